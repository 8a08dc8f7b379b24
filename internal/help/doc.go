// Package help prints --help within 80 columns, and holds a command to the
// usage line that it prints there: the words of ArgsUsage are the arguments
// that the command takes, and its flags may stand before and behind them.
//
// To read: arguments.go (what a command line may hold), help.go (what is
// printed). Run runs an app of urfave/cli with both.
package help
