"""What is drawn: charts, genotypes and pictures, as SVG or embedded images."""
