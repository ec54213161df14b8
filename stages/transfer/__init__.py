"""The stage `transfer`: pretrained networks as Detectron2's detectors."""
