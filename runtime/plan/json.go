// A plan as JSON, for programs to read.

package plan

import (
	"encoding/json"

	"golang.org/x/sys/unix"
)

// MarshalJSON writes every argument in full.
func (p *Plan) MarshalJSON() ([]byte, error) {
	type step struct {
		Number int      `json:"number"`
		Part   string   `json:"part"`
		Side   string   `json:"side"`
		Call   string   `json:"call"`
		Args   []string `json:"args"`
		Result string   `json:"result,omitempty"`
		If     string   `json:"if,omitempty"`
		Unless string   `json:"unless,omitempty"`
		Accept []string `json:"accept,omitempty"`
		From   string   `json:"from"`
		Why    string   `json:"why"`
	}
	steps := make([]step, len(p.Steps))
	for i, s := range p.Steps {
		j := step{Number: i + 1, Part: s.Part, Side: s.Side.String(), Call: s.Name, Result: s.Result,
			If: string(s.If), Unless: string(s.Unless), From: s.From, Why: s.Why, Args: []string{}}
		for _, a := range s.Args {
			j.Args = append(j.Args, a.String())
		}
		for _, e := range s.Accept {
			j.Accept = append(j.Accept, unix.ErrnoName(e))
		}
		steps[i] = j
	}
	return json.Marshal(steps)
}
