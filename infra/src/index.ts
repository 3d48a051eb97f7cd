// infra: see the files beside this one.
