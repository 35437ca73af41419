package facts

import "testing"

func TestGitHubEnv(t *testing.T) {
	w, _, err := readGitHub("ci.yml", []byte(`jobs:
  a:
    env: {A: job}
    steps:
      - run: |
          echo "A=step" >> "$GITHUB_ENV"
          echo B=$(date) >> $GITHUB_ENV
          echo C=no
      - if: failure()
        run: echo "D=1" >> $GITHUB_ENV
      - run: go build
        env: {E: own}
`), nearby{})
	if err != nil {
		t.Fatal(err)
	}
	steps := w.Jobs[0].Steps
	same(t, "before", steps[0].Commands[0].Env["A"], "job")
	for name, want := range map[string]string{"A": "step", "B": NotLiteral, "C": "", "D": NotLiteral, "E": "own"} {
		same(t, name, steps[2].Commands[0].Env[name], want)
	}
}
