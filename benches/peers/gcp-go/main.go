// The functions that `cargo xtask bench` serves with the GCP Go framework; FUNCTION_TARGET picks one.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
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

func init() {
	functions.HTTP("hello", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "Hello, World!")
	})
	functions.Typed("typed", func(got order) (receipt, error) {
		answer := receipt{ID: got.ID, Lines: len(got.Items)}
		for _, one := range got.Items {
			answer.Total += one.Price * float64(one.Count)
		}
		return answer, nil
	})
	functions.HTTP("count", func(w http.ResponseWriter, r *http.Request) {
		total, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		io.WriteString(w, strconv.FormatInt(total, 10))
	})
	functions.HTTP("collect", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		io.WriteString(w, strconv.Itoa(len(body)))
	})
	functions.CloudEvent("event", func(ctx context.Context, event cloudevents.Event) error {
		if event.ID() == "" {
			return errors.New("an event has an id")
		}
		return nil
	})
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	if err := funcframework.Start(port); err != nil {
		log.Fatal(err)
	}
}
