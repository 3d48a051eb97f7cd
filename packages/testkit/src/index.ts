// testkit: see the files beside this one.
