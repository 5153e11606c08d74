// Expands annotations and messages as Grafana does, which uses these two packages for it.
//
// Each JSON {"template", "annotations", "messages"} of standard input is answered by one with the
// texts, {"annotations", "messages"} or {"error"}, until the input ends.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	text "text/template"

	"github.com/prometheus/alertmanager/template"
)

type annotation struct {
	Text   string
	Labels map[string]string
	Values map[string]value
}

// value is what $values has for each expression of a rule.
type value struct {
	Labels map[string]string
	Value  float64
}

func (v value) String() string { return strconv.FormatFloat(v.Value, 'f', -1, 64) }

type message struct {
	Name string // of a template that is defined in Template
	Data template.Data
}

type input struct {
	Template    string
	ExternalURL string
	Annotations []annotation
	Messages    []message
}

type output struct {
	Annotations []string `json:"annotations"`
	Messages    []string `json:"messages"`
	Error       string   `json:"error"`
}

const variables = "{{- $labels := .Labels -}}{{- $values := .Values -}}"

func expand(a annotation, externalURL string) (string, error) {
	functions := text.FuncMap{"externalURL": func() string { return externalURL }}
	parsed, err := text.New("").Option("missingkey=invalid").Funcs(functions).Parse(variables + a.Text)
	if err != nil {
		return "", err
	}
	var made strings.Builder
	if err := parsed.Execute(&made, a); err != nil {
		return "", err
	}
	return strings.ReplaceAll(made.String(), "<no value>", "[no value]"), nil
}

func answer(in input) (output, error) {
	out := output{}
	for _, a := range in.Annotations {
		made, err := expand(a, in.ExternalURL)
		if err != nil {
			return out, fmt.Errorf("%s: %w", a.Text, err)
		}
		out.Annotations = append(out.Annotations, made)
	}
	all, err := template.New()
	if err != nil {
		return out, err
	}
	if err := all.Parse(strings.NewReader(in.Template)); err != nil {
		return out, err
	}
	for _, m := range in.Messages {
		made, err := all.ExecuteTextString(fmt.Sprintf(`{{ template %q . }}`, m.Name), &m.Data)
		if err != nil {
			return out, err
		}
		out.Messages = append(out.Messages, made)
	}
	return out, nil
}

func main() {
	questions, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var in input
		if err := questions.Decode(&in); err != nil {
			return // the end
		}
		out, err := answer(in)
		if err != nil {
			out.Error = err.Error()
		}
		if err := answers.Encode(out); err != nil {
			return
		}
	}
}
