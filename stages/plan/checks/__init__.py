"""What cannot work, refused before any job starts."""
