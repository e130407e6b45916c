// Answers conditions as the existing trigger handler does: with the cel-go of its go.mod, and one bool for each input. The map
// `inputs` is not there; it is what cel-go makes of such a map.
//
// It reads conditions, an object of the names of the inputs and a list of texts, from standard input, and writes for each text
// whether it compiles to a bool, and its value for each assignment: the values of the inputs are the bits of the index, the
// first input the lowest.
//
//	go run . < ../../events/tests/conditions/asked.json > ../../events/tests/conditions/answers.json
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker/decls"
	exprpb "google.golang.org/genproto/googleapis/api/expr/v1alpha1"
)

type asked struct {
	Inputs     []string `json:"inputs"`
	Conditions []string `json:"conditions"`
}

type answer struct {
	Condition string `json:"condition"`
	// Why it is refused; nothing else is told then.
	Refused string `json:"refused,omitempty"`
	// One letter for each assignment: t, f, or e where it cannot be evaluated.
	Values string `json:"values,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	var in asked
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	variables := make([]*exprpb.Decl, 0, len(in.Inputs))
	for _, name := range in.Inputs {
		variables = append(variables, decls.NewVar(name, decls.Bool))
	}
	// Ours: the way to an input whose name is no name of CEL.
	variables = append(variables, decls.NewVar("inputs", decls.NewMapType(decls.String, decls.Bool)))
	env, err := cel.NewEnv(cel.Declarations(variables...))
	if err != nil {
		return err
	}
	out := struct {
		Inputs  []string `json:"inputs"`
		Answers []answer `json:"answers"`
	}{Inputs: in.Inputs}
	for _, condition := range in.Conditions {
		out.Answers = append(out.Answers, ask(env, in.Inputs, condition))
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(out)
}

func ask(env *cel.Env, inputs []string, condition string) answer {
	ast, issues := env.Compile(condition)
	if issues != nil && issues.Err() != nil {
		return answer{Condition: condition, Refused: issues.Err().Error()}
	}
	if ast.ResultType().GetPrimitive() != exprpb.Type_BOOL {
		return answer{Condition: condition, Refused: fmt.Sprintf("the result is %v, not a bool", ast.ResultType())}
	}
	program, err := env.Program(ast)
	if err != nil {
		return answer{Condition: condition, Refused: err.Error()}
	}
	values := ""
	for assignment := 0; assignment < 1<<len(inputs); assignment++ {
		all := map[string]bool{}
		activation := map[string]interface{}{"inputs": all}
		for bit, name := range inputs {
			all[name] = assignment>>bit&1 == 1
			activation[name] = all[name]
		}
		value, _, err := program.Eval(activation)
		switch {
		case err != nil:
			values += "e"
		case value.Value() == true:
			values += "t"
		default:
			values += "f"
		}
	}
	return answer{Condition: condition, Values: values}
}
