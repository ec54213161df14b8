"""The stage `pretrain`: self-supervised training of an architecture."""
