"""Genotypes as drawings in SVG."""
