package app

import (
	"log/slog"
	"net/http"
	"testing"

	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
)

func TestTheDoorIsAPart(t *testing.T) {
	for _, kind := range []string{HTTPLoop, HTTPStd} {
		t.Run(kind, func(t *testing.T) {
			lifecycletest.Stress(t, func() lifecycle.Part {
				l, err := listen("127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				log := slog.New(slog.DiscardHandler)
				return &door{server: newServer(kind, http.NotFoundHandler(), log), listener: l, drain: func() {}, log: log}
			})
		})
	}
}

func TestTheRuntimeIsAPart(t *testing.T) {
	lifecycletest.Stress(t, func() lifecycle.Part {
		return New(Config{Listen: "127.0.0.1:0", Data: t.TempDir()})
	})
}
