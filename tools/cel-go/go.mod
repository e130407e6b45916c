module github.com/OpenFunction/functions-framework-rust/tools/cel-go

go 1.26.6

require (
	github.com/google/cel-go v0.9.0
	google.golang.org/genproto v0.0.0-20220622171453-ea41d75dfa0f
)

require (
	github.com/antlr/antlr4/runtime/Go/antlr v0.0.0-20210826220005-b48c857c3a0e // indirect
	github.com/stoewer/go-strcase v1.2.0 // indirect
	golang.org/x/text v0.3.7 // indirect
	google.golang.org/protobuf v1.28.0 // indirect
)
