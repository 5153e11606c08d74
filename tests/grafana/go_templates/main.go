// Expands annotations and messages as Grafana does, which uses these two packages for it.
//
// Standard input is JSON {"template", "annotations", "messages"}, standard output JSON
// {"annotations", "messages"} with the texts.
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

func run() error {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	out := output{}
	for _, a := range in.Annotations {
		made, err := expand(a, in.ExternalURL)
		if err != nil {
			return fmt.Errorf("%s: %w", a.Text, err)
		}
		out.Annotations = append(out.Annotations, made)
	}
	all, err := template.New()
	if err != nil {
		return err
	}
	if err := all.Parse(strings.NewReader(in.Template)); err != nil {
		return err
	}
	for _, m := range in.Messages {
		made, err := all.ExecuteTextString(fmt.Sprintf(`{{ template %q . }}`, m.Name), &m.Data)
		if err != nil {
			return err
		}
		out.Messages = append(out.Messages, made)
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
