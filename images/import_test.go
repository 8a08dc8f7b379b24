package images

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestChange: what docker import --change makes of the same instructions.
func TestChange(t *testing.T) {
	for instructions, want := range map[string]string{
		`CMD ["sh", "-c", "x"]`:      `"Cmd":["sh","-c","x"]`,
		`cmd echo  hi`:               `"Cmd":["/bin/sh","-c","echo  hi"]`,
		`CMD ['sh']`:                 `"Cmd":["/bin/sh","-c","['sh']"]`,
		`CMD []`:                     ``,
		`ENTRYPOINT ["/init"]`:       `"Entrypoint":["/init"]`,
		`ENTRYPOINT exec top -b`:     `"Entrypoint":["/bin/sh","-c","exec top -b"]`,
		`ENV A=b C="d e" F=g\ h`:     `"Env":["A=b","C=d e","F=g h"]`,
		`ENV A b  c`:                 `"Env":["A=b  c"]`,
		"ENV A=1\nENV B=$A${A}2 A=3": `"Env":["B=112","A=3"]`,
		`ENV A='$B' C="\$D" E=\$F`:   `"Env":["A=$B","C=$D","E=$F"]`,
		`LABEL a=b "c d"="e f"`:      `"Labels":{"a":"b","c d":"e f"}`,
		`EXPOSE 80 53/udp 8000-8002`: `"ExposedPorts":{"53/udp":{},"80/tcp":{},` +
			`"8000/tcp":{},"8001/tcp":{},"8002/tcp":{}}`,
		`VOLUME /a /b`:               `"Volumes":{"/a":{},"/b":{}}`,
		`VOLUME ["/a b"]`:            `"Volumes":{"/a b":{}}`,
		"WORKDIR /a\nWORKDIR b/../c": `"WorkingDir":"/a/c"`,
		`WORKDIR /a b`:               `"WorkingDir":"/a b"`,
		`WORKDIR /a/../b`:            `"WorkingDir":"/a/../b"`,
		`USER a b`:                   `"User":"a b"`,
		`USER me:us`:                 `"User":"me:us"`,
		`STOPSIGNAL SIGRTMIN+3`:      `"StopSignal":"SIGRTMIN+3"`,
		`HEALTHCHECK NONE`:           `"Healthcheck":{"Test":["NONE"]}`,
		`HEALTHCHECK --interval=5s --retries=2 CMD test -e /x`: `"Healthcheck":{` +
			`"Test":["CMD-SHELL","test -e /x"],"Interval":5000000000,"Retries":2}`,
		`HEALTHCHECK CMD ["true"]`: `"Healthcheck":{"Test":["CMD","true"]}`,
		`ONBUILD RUN x`:            `"OnBuild":["RUN x"]`,
	} {
		c := &runConfig{}
		for instruction := range strings.SplitSeq(instructions, "\n") {
			if err := c.change(instruction); err != nil {
				t.Errorf("%s: %v", instruction, err)
			}
		}
		text, err := json.Marshal(c)
		testkit.Check(t, err)
		testkit.Equal(t, instructions, string(text), "{"+want+"}")
	}
	for instruction, want := range map[string]string{
		``:                            `"" is not a valid change`,
		`FROM x`:                      `"FROM" is not a valid change`,
		`RUN x`:                       `"RUN" is not a valid change`,
		`ENV`:                         `no argument`,
		`ENV A`:                       `"A" has no value`,
		`ENV A=b c`:                   `"c" is not NAME=VALUE`,
		`ENV A="b`:                    `no closing "`,
		`ENV A=${B:-c}`:               `${B…: only $NAME and ${NAME} are supported`,
		`EXPOSE 65536`:                `port "65536": not a port`,
		`EXPOSE 80/icmp`:              `port "80/icmp": not a port`,
		`EXPOSE 9-8`:                  `port "9-8": not a port`,
		`STOPSIGNAL SIGNO`:            `signal "SIGNO": unknown`,
		`VOLUME [""]`:                 `a volume must not be empty`,
		`HEALTHCHECK x`:               `health check "x": neither NONE nor CMD COMMAND`,
		`HEALTHCHECK --retries=0 CMD`: `--retries "0": not a number of 1 or more`,
		`HEALTHCHECK --wait=1s CMD x`: `--wait: no such option of HEALTHCHECK`,
		`ONBUILD onbuild RUN x`:       `ONBUILD is not allowed in ONBUILD`,
	} {
		testkit.WantError(t, instruction, (&runConfig{}).change(instruction), want)
	}
}

// FuzzChange: an instruction is an error or makes a config that can be written and read.
func FuzzChange(f *testing.F) {
	f.Add(`ENV A="b" C=$A`)
	f.Add(`HEALTHCHECK --interval=1s CMD ["x"]`)
	f.Add(`EXPOSE 1-2/udp`)
	f.Fuzz(func(t *testing.T, instruction string) {
		c := &runConfig{}
		if c.change(instruction) != nil {
			return
		}
		text, err := json.Marshal(c)
		testkit.Check(t, err)
		again := &runConfig{}
		testkit.Check(t, json.Unmarshal(text, again))
	})
}

func TestImport(t *testing.T) {
	tar := tarOf("a", "1", "b/c", "2")
	for name, data := range map[string][]byte{
		"plain": tar, "gzip": testkit.Gzip(tar), "zstd": zstandard(tar), "xz": testkit.Filter(t, tar, "xz"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			id, err := s.Import(t.Context(), bytes.NewReader(data), ImportOptions{
				Name: "test:1", Message: "hello", Changes: []string{`CMD ["sh"]`}, Platform: "linux/arm64",
			})
			testkit.Check(t, err)
			image := mustImage(t, s, "test:1")
			testkit.Equal(t, "ID", image.ID, id)
			testkit.Equal(t, "platform", platformName(image.Config.Platform), "linux/arm64")
			testkit.Equal(t, "comment", image.Config.History[0].Comment, "hello")
			testkit.Equal(t, "command", strings.Join(image.Config.Config.Cmd, " "), "sh")
			wantFile(t, s, image, "/b/c", "2")
			// once more: the layer is there already
			_, err = s.Import(t.Context(), bytes.NewReader(data), ImportOptions{Name: "test:2"})
			testkit.Check(t, err)
			if v := mustFsck(t, s); len(v.Problems)+len(v.Notes) > 0 {
				t.Errorf("%+v", v)
			}
		})
	}
	for what, data := range map[string]string{"archive is empty": "", "not a tar archive": "#!/bin/sh\n"} {
		s := newStore(t)
		_, err := s.Import(t.Context(), strings.NewReader(data), ImportOptions{})
		testkit.WantError(t, what, err, what)
		list, err := s.List()
		testkit.Check(t, err)
		testkit.Equal(t, "images after an error", len(list), 0)
	}
}
