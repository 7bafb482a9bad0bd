package function

import (
	"regexp"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
)

func TestTraceHeader(t *testing.T) {
	now := time.Unix(0x5759e988, 0)
	tid, _ := trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")
	sid, _ := trace.SpanIDFromHex("b7ad6b7169203331")
	in := func(flags trace.TraceFlags) trace.SpanContext {
		return trace.NewSpanContext(trace.SpanContextConfig{TraceID: tid, SpanID: sid, TraceFlags: flags})
	}
	for _, c := range []struct {
		rule  string
		span  trace.SpanContext
		given string
		want  string // a pattern
	}{
		{"a sampled span comes first", in(trace.FlagsSampled), "Root=given", `^Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1$`},
		{"so does one that is not sampled", in(0), "", `;Parent=b7ad6b7169203331;Sampled=0$`},
		{"then what the caller gave", trace.SpanContext{}, "Root=1-5759e988-bd862e3fe1be46a994272793", `^Root=1-5759e988-bd862e3fe1be46a994272793$`},
		{"else a new one, not sampled", trace.SpanContext{}, "", `^Root=1-5759e988-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			ctx := trace.ContextWithSpanContext(t.Context(), c.span)
			if got := traceHeader(ctx, c.given, now); !regexp.MustCompile(c.want).MatchString(got) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
