// config: see the files beside this one.
