// edge: see the files beside this one.
