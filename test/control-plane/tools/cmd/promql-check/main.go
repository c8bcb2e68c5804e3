// Reads PromQL expressions, one a line, and prints for each a line of JSON: the metrics that it selects by
// which labels, or what is wrong with it. Prometheus' own parser, so that alert rules and dashboards are checked as Prometheus will read them.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"github.com/prometheus/prometheus/promql/parser"
)

type selector struct {
	Metric string   `json:"metric"`
	Labels []string `json:"labels"`
}

type result struct {
	Selectors []selector `json:"selectors"`
	Error     string     `json:"error"`
}

func check(text string) result {
	expression, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return result{Selectors: []selector{}, Error: err.Error()}
	}
	selectors := []selector{}
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		if vector, ok := node.(*parser.VectorSelector); ok {
			labels := []string{}
			for _, matcher := range vector.LabelMatchers {
				if matcher.Name != "__name__" {
					labels = append(labels, matcher.Name)
				}
			}
			selectors = append(selectors, selector{Metric: vector.Name, Labels: labels})
		}
		return nil
	})
	return result{Selectors: selectors}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	encoder := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := encoder.Encode(check(lines.Text())); err != nil {
			os.Exit(1)
		}
	}
}
