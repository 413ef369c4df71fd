"""A reproducible study of FADA, fine-grained adversarial domain adaptation for semantic segmentation (ECCV 2020)."""

__version__ = "0.1.0"
