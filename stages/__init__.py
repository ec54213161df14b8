"""nassl: one folder per stage of the graph in dvc.yaml; `core` holds what several stages share."""
