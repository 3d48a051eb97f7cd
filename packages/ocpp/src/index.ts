// ocpp: see the files beside this one.
