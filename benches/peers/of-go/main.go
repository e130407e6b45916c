// The functions that `cargo xtask bench` serves with the OpenFunction Go framework; FUNCTION_TARGET picks one and serves it on
// every path. The paths below are there only because the registry refuses two functions on one path.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"strconv"

	ofctx "github.com/OpenFunction/functions-framework-go/context"
	"github.com/OpenFunction/functions-framework-go/framework"
	"github.com/OpenFunction/functions-framework-go/functions"
	cloudevents "github.com/cloudevents/sdk-go/v2"
)

type order struct {
	ID    string `json:"orderId"`
	Items []item `json:"items"`
	Note  string `json:"note"`
}

type item struct {
	SKU   string   `json:"sku"`
	Count uint32   `json:"count"`
	Price float64  `json:"price"`
	Tags  []string `json:"tags"`
}

type receipt struct {
	ID    string  `json:"orderId"`
	Lines int     `json:"lines"`
	Total float64 `json:"total"`
}

var at = functions.WithFunctionPath

func init() {
	functions.HTTP("hello", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "Hello, World!")
	}, at("/hello"))
	functions.HTTP("typed", typed, at("/typed"))
	functions.HTTP("count", func(w http.ResponseWriter, r *http.Request) {
		total, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		io.WriteString(w, strconv.FormatInt(total, 10))
	}, at("/count"))
	functions.HTTP("collect", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		io.WriteString(w, strconv.Itoa(len(body)))
	}, at("/collect"))
	functions.CloudEvent("event", func(ctx context.Context, event cloudevents.Event) error {
		if event.ID() == "" {
			return errors.New("an event has an id")
		}
		return nil
	}, at("/event"))
	functions.OpenFunction("relay", func(ctx ofctx.Context, in []byte) (ofctx.Out, error) {
		return ctx.ReturnOnSuccess().WithData(in), nil
	}, at("/relay"))
	functions.OpenFunction("take", func(ctx ofctx.Context, in []byte) (ofctx.Out, error) {
		if len(in) == 0 {
			return ctx.ReturnOnInternalError(), errors.New("a payload has bytes")
		}
		return ctx.ReturnOnSuccess(), nil
	}, at("/take"))
	functions.OpenFunction("send", func(ctx ofctx.Context, in []byte) (ofctx.Out, error) {
		if _, err := ctx.Send("orders", in); err != nil {
			return ctx.ReturnOnInternalError(), err
		}
		return ctx.ReturnOnSuccess(), nil
	}, at("/send"))
}

// The framework has no typed functions: this one decodes and encodes by hand.
func typed(w http.ResponseWriter, r *http.Request) {
	var got order
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := receipt{ID: got.ID, Lines: len(got.Items)}
	for _, one := range got.Items {
		answer.Total += one.Price * float64(one.Count)
	}
	w.Header().Set("content-type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

func main() {
	fwk, err := framework.NewFramework()
	if err != nil {
		log.Fatal(err)
	}
	fwk.RegisterPlugins(nil)
	if err := fwk.Start(context.Background()); err != nil {
		log.Fatal(err)
	}
}
