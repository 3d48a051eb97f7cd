// telemetry: see the files beside this one.
