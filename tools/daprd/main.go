// Daprd is Dapr's sidecar, of the version in go.mod, with the components that the tests of this repository load.
//
// Dapr's own program cannot be built from the module proxy (it has replace directives, and a client of one of its hundred
// components is not to be had there); its packages can. Flags, API and behaviour are Dapr's: nothing but the choice of
// components is ours.
package main

import (
	"context"
	"fmt"
	"os"

	"go.opencensus.io/stats/view"

	"github.com/dapr/dapr/cmd/daprd/options"
	"github.com/dapr/dapr/pkg/buildinfo"
	"github.com/dapr/dapr/pkg/components/bindings"
	"github.com/dapr/dapr/pkg/components/configuration"
	"github.com/dapr/dapr/pkg/components/conversation"
	"github.com/dapr/dapr/pkg/components/crypto"
	"github.com/dapr/dapr/pkg/components/lock"
	middleware "github.com/dapr/dapr/pkg/components/middleware/http"
	"github.com/dapr/dapr/pkg/components/nameresolution"
	"github.com/dapr/dapr/pkg/components/pubsub"
	"github.com/dapr/dapr/pkg/components/secretstores"
	"github.com/dapr/dapr/pkg/components/state"
	"github.com/dapr/dapr/pkg/healthz"
	"github.com/dapr/dapr/pkg/metrics"
	"github.com/dapr/dapr/pkg/modes"
	"github.com/dapr/dapr/pkg/runtime"
	"github.com/dapr/dapr/pkg/runtime/registry"
	"github.com/dapr/dapr/pkg/security"
	"github.com/dapr/kit/concurrency"
	"github.com/dapr/kit/logger"
	"github.com/dapr/kit/signals"
)

var log = logger.NewLogger("dapr.runtime")

func main() {
	chosen, err := options.New(os.Args[1:])
	if err != nil {
		log.Fatalf("Failed to parse flags: %v", err)
	}
	if chosen.RuntimeVersion {
		fmt.Println(buildinfo.Version())
		return
	}
	chosen.Logger.SetAppID(chosen.AppID)
	if err = logger.ApplyOptionsToLoggers(&chosen.Logger); err != nil {
		log.Fatal(err)
	}
	log.Infof("Starting Dapr Runtime -- version %s", buildinfo.Version())
	registerComponents()
	if err = serve(signals.Context(), chosen, registries()); err != nil {
		log.Fatalf("Fatal error from runtime: %s", err)
	}
	log.Info("Daprd shutdown gracefully")
}

// registries are the places where the runtime looks a component's type up; each logs as Dapr's own program has it.
func registries() *registry.Options {
	contrib := logger.NewLogger("dapr.contrib")
	secretstores.DefaultRegistry.Logger = contrib
	state.DefaultRegistry.Logger = contrib
	configuration.DefaultRegistry.Logger = contrib
	lock.DefaultRegistry.Logger = contrib
	pubsub.DefaultRegistry.Logger = contrib
	nameresolution.DefaultRegistry.Logger = contrib
	bindings.DefaultRegistry.Logger = contrib
	crypto.DefaultRegistry.Logger = contrib
	conversation.DefaultRegistry.Logger = contrib
	middleware.DefaultRegistry.Logger = log

	return registry.NewOptions().
		WithSecretStores(secretstores.DefaultRegistry).
		WithStateStores(state.DefaultRegistry).
		WithConfigurations(configuration.DefaultRegistry).
		WithLocks(lock.DefaultRegistry).
		WithPubSubs(pubsub.DefaultRegistry).
		WithNameResolutions(nameresolution.DefaultRegistry).
		WithBindings(bindings.DefaultRegistry).
		WithCryptoProviders(crypto.DefaultRegistry).
		WithHTTPMiddlewares(middleware.DefaultRegistry).
		WithConversations(conversation.DefaultRegistry)
}

// serve runs the sidecar until the context ends or the runtime does.
func serve(ctx context.Context, chosen *options.Options, components *registry.Options) error {
	health := healthz.New()
	provider, err := security.New(ctx, security.Options{
		SentryAddress:           chosen.SentryAddress,
		ControlPlaneTrustDomain: chosen.ControlPlaneTrustDomain,
		ControlPlaneNamespace:   chosen.ControlPlaneNamespace,
		TrustAnchors:            chosen.TrustAnchors,
		AppID:                   chosen.AppID,
		MTLSEnabled:             chosen.EnableMTLS,
		Mode:                    modes.DaprMode(chosen.Mode),
		Healthz:                 health,
		JwtAudiences:            chosen.SentryRequestJwtAudiences,
	})
	if err != nil {
		return err
	}
	sidecar := func(ctx context.Context) error {
		handler, err := provider.Handler(ctx)
		if err != nil {
			return err
		}
		config := configOf(chosen)
		config.Registry = components
		config.Security = handler
		config.Healthz = health
		config.Metrics.Healthz = health
		daprd, err := runtime.FromConfig(ctx, config)
		if err != nil {
			return err
		}
		return daprd.Run(ctx)
	}
	return concurrency.NewRunnerManager(provider.Run, sidecar).Run(ctx)
}

// configOf hands every flag on.
func configOf(chosen *options.Options) *runtime.Config {
	return &runtime.Config{
		AppID:                    chosen.AppID,
		ApplicationPort:          chosen.AppPort,
		AppProtocol:              chosen.AppProtocol,
		AppChannelAddress:        chosen.AppChannelAddress,
		AppSSL:                   chosen.AppSSL,
		AppMaxConcurrency:        chosen.AppMaxConcurrency,
		AppBindingOptionsTimeout: chosen.AppBindingOptionsTimeout,

		EnableAppHealthCheck:   chosen.EnableAppHealthCheck,
		AppHealthCheckPath:     chosen.AppHealthCheckPath,
		AppHealthProbeInterval: chosen.AppHealthProbeInterval,
		AppHealthProbeTimeout:  chosen.AppHealthProbeTimeout,
		AppHealthThreshold:     chosen.AppHealthThreshold,
		DisableInitEndpoints:   chosen.DisableInitEndpoints,

		DaprHTTPPort:                  chosen.DaprHTTPPort,
		DaprAPIGRPCPort:               chosen.DaprAPIGRPCPort,
		DaprAPIListenAddresses:        chosen.DaprAPIListenAddresses,
		DaprInternalGRPCPort:          chosen.DaprInternalGRPCPort,
		DaprInternalGRPCListenAddress: chosen.DaprInternalGRPCListenAddress,
		DaprPublicPort:                chosen.DaprPublicPort,
		DaprPublicListenAddress:       chosen.DaprPublicListenAddress,
		UnixDomainSocket:              chosen.UnixDomainSocket,
		AllowedOrigins:                chosen.AllowedOrigins,
		MaxRequestSize:                chosen.MaxRequestSize,
		ReadBufferSize:                chosen.ReadBufferSize,
		EnableAPILogging:              chosen.EnableAPILogging,
		ProfilePort:                   chosen.ProfilePort,
		EnableProfiling:               chosen.EnableProfiling,

		DaprGracefulShutdownSeconds: chosen.DaprGracefulShutdownSeconds,
		DaprBlockShutdownDuration:   chosen.DaprBlockShutdownDuration,

		Mode:                         chosen.Mode,
		Config:                       chosen.Config,
		ResourcesPath:                chosen.ResourcesPath,
		ComponentsPath:               chosen.ComponentsPath,
		HotReloadReconcileInterval:   chosen.HotReloadReconcileInterval,
		DisableBuiltinK8sSecretStore: chosen.DisableBuiltinK8sSecretStore,
		ControlPlaneAddress:          chosen.ControlPlaneAddress,
		SentryAddress:                chosen.SentryAddress,
		EnableMTLS:                   chosen.EnableMTLS,
		ActorsService:                chosen.ActorsService,
		ActorsDisseminationTimeout:   chosen.ActorsDisseminationTimeout,
		RemindersService:             chosen.RemindersService,
		SchedulerAddress:             chosen.SchedulerAddress,
		SchedulerStreams:             chosen.SchedulerJobStreams,

		Metrics: metrics.Options{
			Enabled:       chosen.Metrics.Enabled(),
			Log:           log,
			Port:          chosen.Metrics.Port(),
			Namespace:     metrics.DefaultMetricNamespace,
			ListenAddress: chosen.Metrics.ListenAddress(),
			Meter:         view.NewMeter(),
		},
	}
}
