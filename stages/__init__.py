"""The scripts of the graph in dvc.yaml: one folder per stage. What stages share is in `runs`
(a run's line and command) and in `training` (of those that train); the rest is `nassl`."""
