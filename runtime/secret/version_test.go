package secret_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"millrace/runtime/secret"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// versionsOf reads versions as they are written in these tests: "a:AWSCURRENT,x b:".
func versionsOf(text string) (vs secret.Versions) {
	for _, word := range strings.Fields(text) {
		id, stages, _ := strings.Cut(word, ":")
		v := secret.Version{ID: id, Created: noon}
		if stages != "" {
			v.Stages = strings.Split(stages, ",")
		}
		vs = append(vs, v)
	}
	return vs
}

func written(vs secret.Versions) string {
	var words []string
	for _, v := range vs {
		words = append(words, v.ID+":"+strings.Join(v.Stages, ","))
	}
	return strings.Join(words, " ")
}

func TestPut(t *testing.T) {
	for _, c := range []struct{ rule, before, stages, after string }{
		{"the first", "", "", "n:AWSCURRENT"},
		{"the first, with another label", "", "custom", "n:custom"},
		{"the second", "a:AWSCURRENT", "", "a:AWSPREVIOUS n:AWSCURRENT"},
		{"the third", "a:AWSPREVIOUS b:AWSCURRENT", "", "a: b:AWSPREVIOUS n:AWSCURRENT"},
		{"AWSCURRENT by its name", "a:AWSPREVIOUS b:AWSCURRENT", "AWSCURRENT", "a: b:AWSPREVIOUS n:AWSCURRENT"},
		{"the current one is pending too", "a:AWSCURRENT,AWSPENDING", "", "a:AWSPREVIOUS n:AWSCURRENT"},
		{"another one is pending", "a:AWSCURRENT b:AWSPENDING", "", "a:AWSPREVIOUS b:AWSPENDING n:AWSCURRENT"},
		{"labels of its own stay", "a:AWSCURRENT,x", "", "a:x,AWSPREVIOUS n:AWSCURRENT"},
		{"AWSPENDING alone", "a:AWSPREVIOUS b:AWSCURRENT", "AWSPENDING", "a:AWSPREVIOUS b:AWSCURRENT n:AWSPENDING"},
		{"a label is taken", "a:AWSCURRENT b:x", "x", "a:AWSCURRENT b: n:x"},
		{"AWSPENDING is taken", "a:AWSCURRENT b:AWSPENDING,x", "AWSPENDING", "a:AWSCURRENT b:x n:AWSPENDING"},
		{"twice the same label", "a:AWSCURRENT", "x,x", "a:AWSCURRENT n:x"},
		{"AWSCURRENT among others", "a:AWSCURRENT", "AWSPENDING,AWSCURRENT", "a:AWSPREVIOUS n:AWSCURRENT,AWSPENDING"},
	} {
		var stages []string
		if c.stages != "" {
			stages = strings.Split(c.stages, ",")
		}
		before := versionsOf(c.before)
		after, err := before.Put(secret.Version{ID: "n", Created: noon}, stages)
		if err != nil || written(after) != c.after {
			t.Errorf("%s: %s, %v, want %s", c.rule, written(after), err, c.after)
		}
		if written(before) != c.before {
			t.Errorf("%s: it changed what was before to %s", c.rule, written(before))
		}
	}
}

func TestMove(t *testing.T) {
	for _, c := range []struct {
		rule, before, stage, to, from string
		after                         string
		err                           error
	}{
		{"AWSCURRENT forwards", "a:AWSCURRENT b:AWSPENDING,y", "AWSCURRENT", "b", "a", "a:AWSPREVIOUS b:AWSCURRENT,AWSPENDING,y", nil},
		{"the one before the last is deprecated", "a:AWSPREVIOUS b:AWSCURRENT c:", "AWSCURRENT", "c", "b", "a: b:AWSPREVIOUS c:AWSCURRENT", nil},
		{"it keeps its labels", "a:AWSPREVIOUS,x b:AWSCURRENT,y c:", "AWSCURRENT", "c", "b", "a:x b:y,AWSPREVIOUS c:AWSCURRENT", nil},
		{"AWSCURRENT back", "a:AWSPREVIOUS b:AWSCURRENT", "AWSCURRENT", "a", "b", "a:AWSCURRENT b:AWSPREVIOUS", nil},
		{"where it is", "a:AWSPREVIOUS b:AWSCURRENT", "AWSCURRENT", "b", "b", "a:AWSPREVIOUS b:AWSCURRENT", nil},
		{"where it is, without from", "a:x", "x", "a", "", "a:x", nil},
		{"a label of nobody", "a:AWSCURRENT b:", "x", "b", "", "a:AWSCURRENT b:x", nil},
		{"AWSCURRENT of nobody", "a:AWSPENDING", "AWSCURRENT", "a", "", "a:AWSCURRENT,AWSPENDING", nil},
		{"a label from another", "a:AWSCURRENT b:x", "x", "a", "b", "a:AWSCURRENT,x b:", nil},
		{"taken only", "a:AWSPREVIOUS b:AWSCURRENT,x", "x", "", "b", "a:AWSPREVIOUS b:AWSCURRENT", nil},
		{"AWSPREVIOUS taken only", "a:AWSPREVIOUS b:AWSCURRENT", "AWSPREVIOUS", "", "a", "a: b:AWSCURRENT", nil},
		{"AWSCURRENT taken only", "a:AWSCURRENT", "AWSCURRENT", "", "a", "", secret.CurrentStays},
		{"from nobody named", "a:AWSCURRENT b:x", "x", "a", "", "", secret.HeldElsewhere},
		{"from the wrong one", "a:AWSCURRENT b:x c:", "x", "a", "c", "", secret.WrongHolder},
		{"taken from the wrong one", "a:AWSCURRENT b:x", "x", "", "a", "", secret.WrongHolder},
		{"to none", "a:AWSCURRENT", "x", "z", "", "", secret.NoVersion},
		{"from none", "a:AWSCURRENT", "AWSCURRENT", "a", "z", "", secret.NoVersion},
	} {
		after, err := versionsOf(c.before).Move(c.stage, c.to, c.from)
		if !errors.Is(err, c.err) || written(after) != c.after {
			t.Errorf("%s: %s, %v, want %s, %v", c.rule, written(after), err, c.after, c.err)
		}
	}
}

func TestLabelsAreLimited(t *testing.T) {
	var stages []string
	for i := range secret.MaxStages - 1 {
		stages = append(stages, fmt.Sprint("s", i))
	}
	vs := versionsOf("a:AWSCURRENT b:" + strings.Join(stages, ","))
	if _, err := vs.Put(secret.Version{ID: "n"}, []string{"one-more"}); !errors.Is(err, secret.TooManyStages) {
		t.Errorf("put: %v", err)
	}
	if _, err := vs.Put(secret.Version{ID: "n"}, []string{"s3"}); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	if _, err := vs.Move("one-more", "a", ""); !errors.Is(err, secret.TooManyStages) {
		t.Errorf("moved: %v", err)
	}
}

// Beyond 100 versions the oldest without labels go, none of them younger than a day.
func TestOldVersionsAreDropped(t *testing.T) {
	var vs secret.Versions
	put := func(i int, at time.Time) {
		t.Helper()
		var err error
		if vs, err = vs.Put(secret.Version{ID: fmt.Sprint(i), Created: at}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 150 {
		put(i, noon.Add(time.Duration(i)*time.Second))
	}
	if len(vs) != 150 {
		t.Errorf("%d versions of one day are kept, want all 150", len(vs))
	}
	vs[3].Stages = []string{"kept"}
	put(150, noon.Add(24*time.Hour+9*time.Second)) // ten are a day old: 0 to 9
	if _, ok := vs.Get("3"); !ok || len(vs) != 151-9 || vs[1].ID != "10" {
		t.Errorf("%d are kept, among them %s", len(vs), written(vs[:3]))
	}
	put(151, noon.Add(48*time.Hour))
	if len(vs) != secret.MaxVersions {
		t.Errorf("%d are kept, want %d", len(vs), secret.MaxVersions)
	}
	for i := 152; ; i++ {
		next, err := vs.Put(secret.Version{ID: fmt.Sprint(i), Created: noon.Add(48 * time.Hour)}, nil)
		if errors.Is(err, secret.TooManyVersions) {
			break
		}
		if vs = next; err != nil || i > 2000 {
			t.Fatal(i, err)
		}
	}
}

// Whatever is done to versions: a label is on one of them at most, no id is lost, and
// AWSCURRENT, once given, stays given; it has been where AWSPREVIOUS is.
func TestVersionsHoldTheirPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stage := rapid.SampledFrom([]string{secret.Current, secret.Previous, secret.Pending, "x", "y"})
		var vs secret.Versions
		n := 0
		someID := func() string { return fmt.Sprint(rapid.IntRange(0, max(n, 1)).Draw(t, "id")) }
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				_, before := vs.Holder(secret.Current)
				old, _ := vs.Holder(secret.Current)
				stages := rapid.SliceOfN(stage, 0, 3).Draw(t, "stages")
				next, err := vs.Put(secret.Version{ID: fmt.Sprint(n), Created: noon}, stages)
				if err != nil {
					t.Fatal(err)
				}
				n++
				for _, s := range stages {
					if h, ok := next.Holder(s); s != secret.Previous && (!ok || h.ID != fmt.Sprint(n-1)) {
						t.Fatalf("%s is not on the new version: %s", s, written(next))
					}
				}
				if current, _ := next.Holder(secret.Current); before && current.ID != old.ID {
					if p, ok := next.Holder(secret.Previous); !ok || p.ID != old.ID {
						t.Fatalf("the old current version is not the previous one: %s, then %s", written(vs), written(next))
					}
				}
				vs = next
			},
			"move": func(t *rapid.T) {
				s, to, from := stage.Draw(t, "stage"), "", ""
				if rapid.Bool().Draw(t, "to") {
					to = someID()
				}
				if rapid.Bool().Draw(t, "from") {
					from = someID()
				}
				next, err := vs.Move(s, to, from)
				if err != nil {
					return
				}
				if h, ok := next.Holder(s); to != "" && (!ok || h.ID != to) || to == "" && from != "" && ok {
					t.Fatalf("move %s to %q from %q: %s", s, to, from, written(next))
				}
				vs = next
			},
			"": func(t *rapid.T) {
				var all []string
				for _, v := range vs {
					all = append(all, v.Stages...)
				}
				slices.Sort(all)
				if len(slices.Compact(slices.Clone(all))) != len(all) {
					t.Fatalf("a label is there twice: %s", written(vs))
				}
				if len(vs) != n {
					t.Fatalf("%d of %d versions", len(vs), n)
				}
			},
		})
	})
}
