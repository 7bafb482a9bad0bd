package s3_test

import (
	"os"
	"testing"

	"millrace/runtime/store/backbone/backbonetest"
)

func TestMain(m *testing.M) { os.Exit(backbonetest.Main(m)) }
