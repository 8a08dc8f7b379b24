// Beyond a plain container: ambient capabilities

package compile

import (
	"fmt"

	"github.com/minictr/minictr/runtime/plan/call"
)

// limitAmbient leaves out the ambient capabilities that prctl(2) would refuse, because they
// are not both permitted and inheritable, and returns a warning for each, in runc's words.
func (c *capabilitySets) limitAmbient() (warnings []string) {
	beyond := c.ambient &^ (c.permitted & c.inheritable)
	c.ambient &^= beyond
	for n, name := range call.Capabilities {
		if beyond&(1<<n) != 0 {
			warnings = append(warnings, fmt.Sprintf("process.capabilities.ambient: can't raise ambient capability %s: "+
				"it is not both permitted and inheritable, ignored", name))
		}
	}
	return warnings
}
