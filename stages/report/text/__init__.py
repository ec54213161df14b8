"""What is said: sentences, tables in every written form, and the page's templates (`page/`)."""
