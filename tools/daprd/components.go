package main

// What the tests load, and nothing else: each component brings the client of its broker, and they are most of the build.

import (
	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/components-contrib/bindings/cron"
	httpbinding "github.com/dapr/components-contrib/bindings/http"
	"github.com/dapr/components-contrib/bindings/localstorage"
	mqttbinding "github.com/dapr/components-contrib/bindings/mqtt3"
	redisbinding "github.com/dapr/components-contrib/bindings/redis"
	"github.com/dapr/components-contrib/nameresolution/nameformat"
	memorypubsub "github.com/dapr/components-contrib/pubsub/in-memory"
	"github.com/dapr/components-contrib/pubsub/jetstream"
	mqttpubsub "github.com/dapr/components-contrib/pubsub/mqtt3"
	redispubsub "github.com/dapr/components-contrib/pubsub/redis"
	"github.com/dapr/components-contrib/secretstores/local/env"
	"github.com/dapr/components-contrib/secretstores/local/file"
	memorystate "github.com/dapr/components-contrib/state/in-memory"
	redisstate "github.com/dapr/components-contrib/state/redis"
	bindingsregistry "github.com/dapr/dapr/pkg/components/bindings"
	nameresolutionregistry "github.com/dapr/dapr/pkg/components/nameresolution"
	pubsubregistry "github.com/dapr/dapr/pkg/components/pubsub"
	secretsregistry "github.com/dapr/dapr/pkg/components/secretstores"
	stateregistry "github.com/dapr/dapr/pkg/components/state"
	"github.com/dapr/kit/logger"
)

func registerComponents() {
	topics := pubsubregistry.DefaultRegistry
	topics.RegisterComponent(memorypubsub.New, "in-memory")
	topics.RegisterComponent(redispubsub.NewRedisStreams, "redis")
	topics.RegisterComponent(jetstream.NewJetStream, "jetstream")
	topics.RegisterComponent(mqttpubsub.NewMQTTPubSub, "mqtt3", "mqtt")

	stores := stateregistry.DefaultRegistry
	stores.RegisterComponent(memorystate.NewInMemoryStateStore, "in-memory")
	stores.RegisterComponent(redisstate.NewRedisStateStore, "redis")

	both := bindingsregistry.DefaultRegistry
	both.RegisterInputBinding(cron.NewCron, "cron")
	both.RegisterInputBinding(func(l logger.Logger) bindings.InputBinding { return mqttbinding.NewMQTT(l) }, "mqtt3", "mqtt")
	both.RegisterOutputBinding(func(l logger.Logger) bindings.OutputBinding { return mqttbinding.NewMQTT(l) }, "mqtt3", "mqtt")
	both.RegisterOutputBinding(httpbinding.NewHTTP, "http")
	both.RegisterOutputBinding(localstorage.NewLocalStorage, "localstorage")
	both.RegisterOutputBinding(redisbinding.NewRedis, "redis")

	secrets := secretsregistry.DefaultRegistry
	secrets.RegisterComponent(env.NewEnvSecretStore, "local.env")
	secrets.RegisterComponent(file.NewLocalSecretStore, "local.file")

	// The default, mdns, talks to the whole network and is left out.
	nameresolutionregistry.DefaultRegistry.RegisterComponent(nameformat.NewResolver, "nameformat")
}
