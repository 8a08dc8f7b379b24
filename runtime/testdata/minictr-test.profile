# everything is allowed but to read one file: TestAppArmor
profile minictr-test flags=(attach_disconnected) {
  file,
  capability,
  deny /secret r,
}
