package config

import (
	"reflect"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestChangedLimits: what is given counts, all else stays.
func TestChangedLimits(t *testing.T) {
	old := Limits{Memory: "64m", MemorySwap: "-1", CPUs: "0.5", PidsLimit: new(int64(7)),
		DeviceReadBps: []string{"/dev/a:1m", "/dev/b:1m"}, CgroupConf: []string{"cpu.idle=1"}}
	for _, test := range []struct {
		name         string
		change, want Limits
	}{
		{"nothing", Limits{}, old},
		{"memory", Limits{Memory: "128m", PidsLimit: new(int64(-1))},
			Limits{Memory: "128m", MemorySwap: "-1", CPUs: "0.5", PidsLimit: new(int64(-1)),
				DeviceReadBps: old.DeviceReadBps, CgroupConf: old.CgroupConf}},
		{"quota", Limits{CPUQuota: new(int64(5000)), MemorySwap: "64m", DeviceReadBps: []string{"/dev/a:2m"},
			CgroupConf: []string{"io.max=8:0 rbps=1", "cpu.idle=0"}},
			Limits{Memory: "64m", MemorySwap: "64m", CPUQuota: new(int64(5000)), PidsLimit: old.PidsLimit,
				DeviceReadBps: []string{"/dev/b:1m", "/dev/a:2m"}, CgroupConf: []string{"io.max=8:0 rbps=1",
					"cpu.idle=0"}}},
	} {
		got := old.merge(test.change)
		for _, l := range []*Limits{&got, &test.want} {
			rates := len(l.DeviceWriteBps) + len(l.DeviceReadIOps) + len(l.DeviceWriteIOps)
			if len(l.BlkioWeightDevices)+rates+len(l.HugetlbLimits) > 0 {
				t.Errorf("%s: %+v", test.name, l)
			}
			l.BlkioWeightDevices, l.DeviceWriteBps, l.DeviceReadIOps, l.DeviceWriteIOps, l.HugetlbLimits = nil, nil,
				nil, nil, nil
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", test.name, got, test.want)
		}
	}
	weighted := Limits{BlkioWeight: new(uint64(500))}
	if got := weighted.merge(Limits{BlkioWeight: new(uint64)}); got.BlkioWeight != weighted.BlkioWeight {
		t.Errorf("--blkio-weight 0: %d", *got.BlkioWeight)
	}
	byQuota := Limits{CPUQuota: new(int64(5000)), CPUPeriod: new(uint64(10000))}
	if got := byQuota.merge(Limits{CPUs: "2"}); got.CPUQuota != nil || got.CPUPeriod != nil || got.CPUs != "2" {
		t.Errorf("--cpus in place of a quota: %+v", got)
	}
}

// TestEveryLimitChanges: a field that with forgets would never be updated.
func TestEveryLimitChanges(t *testing.T) {
	for i := range reflect.TypeFor[Limits]().NumField() {
		var change Limits
		field := reflect.ValueOf(&change).Elem().Field(i)
		switch {
		case field.Kind() == reflect.String:
			field.SetString("x")
		case field.Kind() == reflect.Slice:
			field.Set(reflect.ValueOf([]string{"x"}))
		default:
			field.Set(reflect.New(field.Type().Elem()))
			field.Elem().Set(reflect.ValueOf(1).Convert(field.Type().Elem()))
		}
		got := Limits{}.merge(change)
		if !reflect.DeepEqual(reflect.ValueOf(got).Field(i).Interface(), field.Interface()) {
			t.Errorf("%s is not changed", reflect.TypeFor[Limits]().Field(i).Name)
		}
	}
}

func TestChangedRestart(t *testing.T) {
	s := Settings{Origin: Origin{}}
	if err := s.Update(Limits{}, "on-failure:3"); err != nil || s.Restart != (RestartPolicy{RestartOnFailure, 3}) ||
		s.Options.Restart != "on-failure:3" {
		t.Errorf("%+v, %v", s, err)
	}
	if err := s.Update(Limits{Memory: "8m"}, ""); err != nil || s.Restart.Max != 3 || s.Options.Memory != "8m" {
		t.Errorf("a limit alone: %+v, %v", s, err)
	}
	testkit.WantError(t, "a policy that is none", s.Update(Limits{}, "often"), "no such policy")
	s.Options.Remove = true
	testkit.WantError(t, "--rm", s.Update(Limits{}, "always"), "--restart and --rm exclude each other")
}
