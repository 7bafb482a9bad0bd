package backbone_test

import (
	"testing"

	"millrace/runtime/lifecycle"
	"millrace/runtime/lifecycle/lifecycletest"
	"millrace/runtime/store/backbone"
	"millrace/runtime/store/backbone/backbonetest"
)

func TestStartStop(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		lifecycletest.Stress(t, func() lifecycle.Part { return backbone.New(backbone.Config{Dir: t.TempDir()}) })
	})
	t.Run("external", func(t *testing.T) {
		url := backbonetest.Listen(t, 0)
		lifecycletest.Stress(t, func() lifecycle.Part { return backbone.New(backbone.Config{URL: url}) })
	})
}
