// session-registry: see the files beside this one.
