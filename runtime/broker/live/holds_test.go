package live_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/runtime/fault"
)

// full is what a driver says of a disk without room.
var full = fault.State(nil, "The disk is full.")

// Why a broker is not started is in the log once, however often it is tried.
func TestFullDiskIsToldOnce(t *testing.T) {
	h := newHouse(t)
	var log bytes.Buffer
	h.config.Log = slog.New(slog.NewTextHandler(&log, nil))
	h.restart()
	h.mustRun(desired("b-1"))
	for range 2 {
		log.Reset()
		if err := h.runner.Stop(t.Context(), "b-1"); err != nil {
			t.Fatal(err)
		}
		h.driver.fail("b-1-1", full)
		for range 3 {
			_, err := h.runner.Run(t.Context(), desired("b-1"))
			if why, told := fault.Told(err); !told || why != "The disk is full." {
				t.Errorf("it is not run because of %v", err)
			}
		}
		if n := strings.Count(log.String(), "The disk is full."); n != 1 {
			t.Errorf("the log has it %d times:\n%s", n, log.String())
		}
		h.driver.fail("b-1-1", nil)
		h.mustRun(desired("b-1"))
	}
}

// A member of a cluster that has no room is tried each second, and not less and less often.
func TestMemberWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCluster(t)
		h.mustRun(desiredCluster("b-1"))
		defer h.stop("b-1")
		h.driver.fail("b-1-2", full)
		h.driver.kill("b-1-2")
		time.Sleep(time.Minute)
		synctest.Wait()
		h.driver.did()
		h.driver.fail("b-1-2", nil)
		time.Sleep(time.Second)
		h.did("start b-1-2")
	})
}
