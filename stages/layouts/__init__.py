"""What a folder or an archive of data holds, known without reading its images."""
