package signing

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

func TestOneSignatureForManyAtOnce(t *testing.T) {
	var c cache
	var made atomic.Int32
	var begun, wait sync.WaitGroup
	begun.Add(10)
	for range 10 {
		wait.Go(func() {
			begun.Done()
			got, err := c.get("key", "1", "text", func() (string, error) {
				begun.Wait()
				made.Add(1)
				return "signature", nil
			})
			if got != "signature" || err != nil {
				t.Error(got, err)
			}
		})
	}
	wait.Wait()
	if made.Load() != 1 {
		t.Errorf("it was made %d times", made.Load())
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	var c cache
	made := map[string]int{}
	get := func(text string) {
		c.get("key", "1", text, func() (string, error) {
			made[text]++
			return text, nil
		})
	}
	for i := range 10 * cacheSize {
		get(strconv.Itoa(i))
		get("kept") // as long as somebody asks for it
	}
	if len(c.young)+len(c.old) > 2*cacheSize {
		t.Errorf("%d are kept", len(c.young)+len(c.old))
	}
	if made["kept"] != 1 {
		t.Errorf("made %d times", made["kept"])
	}
}

func TestCacheKeysDiffer(t *testing.T) {
	var c cache
	for _, k := range [][3]string{{"a", "1", "text"}, {"b", "1", "text"}, {"a", "2", "text"}, {"a", "1", "other"}} {
		want := k[0] + k[1] + k[2]
		if got, _ := c.get(k[0], k[1], k[2], func() (string, error) { return want, nil }); got != want {
			t.Errorf("%v has %s", k, got)
		}
	}
}

func TestErrorsAreNotCached(t *testing.T) {
	var c cache
	if _, err := c.get("key", "1", "text", func() (string, error) { return "", errors.New("not now") }); err == nil {
		t.Error("no error")
	}
	if got, err := c.get("key", "1", "text", func() (string, error) { return "signature", nil }); got != "signature" || err != nil {
		t.Error(got, err)
	}
}
