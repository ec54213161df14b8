"""The stage `probe`: how good pretrained representations are."""
