// Package telemetry exports traces and metrics by OTLP when the standard OTEL_*
// variables ask for it, and costs nothing when they do not.
//
// Packages trace through [Start]; before [Setup] has found an exporter, Start
// returns its context untouched and a span that does nothing.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

var tracing, metering atomic.Bool

// Tracing reports whether spans go anywhere; Metering, whether measurements do.
func Tracing() bool  { return tracing.Load() }
func Metering() bool { return metering.Load() }

// Start begins a span of the named tracer, or does nothing when nobody exports.
func Start(ctx context.Context, tracer, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !tracing.Load() {
		return ctx, noop.Span{}
	}
	return otel.Tracer(tracer).Start(ctx, name, opts...)
}

// Setup reads the OTEL_* variables and installs the providers that they ask
// for. An OTLP endpoint, or OTEL_TRACES_EXPORTER and OTEL_METRICS_EXPORTER set to
// otlp, asks; "none" and OTEL_SDK_DISABLED=true refuse. Everything else
// (endpoint, headers, protocol, sampler, resource) the SDK reads from the same
// variables. The returned function flushes and ends the exporters.
func Setup(ctx context.Context, getenv func(string) string, version string) (shutdown func(context.Context) error, err error) {
	var ends []func(context.Context) error
	shutdown = func(ctx context.Context) (err error) {
		tracing.Store(false)
		metering.Store(false)
		for _, end := range ends {
			err = errors.Join(err, end(ctx))
		}
		return err
	}
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return shutdown, nil
	}
	res, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("millrace"), semconv.ServiceVersion(version)),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return shutdown, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	if wanted(getenv, "TRACES") {
		exporter, err := traceExporter(ctx, protocol(getenv, "TRACES"))
		if err != nil {
			return shutdown, fmt.Errorf("starting the trace exporter: %w", err)
		}
		p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
		ends = append(ends, p.Shutdown)
		Install(p)
	}
	if wanted(getenv, "METRICS") {
		exporter, err := metricExporter(ctx, protocol(getenv, "METRICS"))
		if err != nil {
			return shutdown, errors.Join(fmt.Errorf("starting the metric exporter: %w", err), shutdown(ctx))
		}
		p := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(exporter)), metric.WithResource(res))
		ends = append(ends, p.Shutdown)
		otel.SetMeterProvider(p)
		metering.Store(true)
	}
	return shutdown, nil
}

// Install makes p the tracer provider of the process: what Setup does with the
// provider that it builds, for programs and tests that bring their own.
func Install(p trace.TracerProvider) {
	otel.SetTracerProvider(p)
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	tracing.Store(true)
}

// Uninstall undoes Install.
func Uninstall() {
	tracing.Store(false)
	otel.SetTracerProvider(noop.NewTracerProvider())
}

func traceExporter(ctx context.Context, protocol string) (sdktrace.SpanExporter, error) {
	if protocol == "grpc" {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx)
}

func metricExporter(ctx context.Context, protocol string) (metric.Exporter, error) {
	if protocol == "grpc" {
		return otlpmetricgrpc.New(ctx)
	}
	return otlpmetrichttp.New(ctx)
}

// wanted reports whether a signal is to be exported.
func wanted(getenv func(string) string, signal string) bool {
	switch getenv("OTEL_" + signal + "_EXPORTER") {
	case "otlp":
		return true
	case "":
		return getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") != ""
	}
	return false
}

func protocol(getenv func(string) string, signal string) string {
	if p := getenv("OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL"); p != "" {
		return p
	}
	return getenv("OTEL_EXPORTER_OTLP_PROTOCOL")
}
