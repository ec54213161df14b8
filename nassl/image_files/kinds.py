"""Which files are images: by extension and, where that is inconclusive, by their first bytes."""

from __future__ import annotations

from pathlib import PurePosixPath

EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".bmp", ".dib", ".gif", ".webp"),
    *(".tif", ".tiff", ".avif", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".ppm", ".pgm"),
    *(".pbm", ".pnm", ".pfm", ".tga", ".pcx", ".sgi", ".qoi", ".ico", ".psd"),
)
NO_IMAGES = {  # extensions of files that are not opened: no images
    ".txt", ".xml", ".json", ".jsonl", ".csv", ".tsv", ".md", ".rst", ".yaml", ".yml", ".toml",
    ".html", ".htm", ".js", ".css", ".py", ".ipynb", ".log", ".ini", ".cfg", ".db", ".sqlite",
    ".lnk", ".url", ".npy", ".npz", ".mat", ".pkl", ".pt", ".pth", ".h5", ".zip", ".tar", ".gz",
    ".tgz", ".bz2", ".xz", ".rar", ".7z", ".pdf", ".doc", ".docx", ".odt", ".xls", ".xlsx",
    ".ods", ".ppt", ".pptx", ".mp3", ".wav", ".mp4", ".mov", ".avi", ".mkv", ".webm", ".thm",
    ".svg",
}  # fmt: skip
HEAD = 32  # first bytes that `kind_of` needs

# Folders that systems and programs create: nothing in them belongs to the data set.
LITTER = ("__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information")

READ = {  # kinds with unmistakable first bytes that Pillow reads
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"\x00\x00\x00\x0cjP  \r\n\x87\n": "JPEG 2000",
    b"\xff\x4f\xff\x51\xff\x52": "JPEG 2000",
}
NOT_READ = {
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x00\x0cJXL \r\n\x87\n": "JPEG XL",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",
    b"BM": "BMP",
    b"8BPS": "Photoshop",
    b"%PDF": "PDF",
    b"SIMPLE  =": "FITS",
    b"\x89HDF": "HDF5",
}
BRANDS = {  # of an ISO media file, at its bytes 8 to 12
    b"avis": "AVIF",
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
                    "HEIC"),
}  # fmt: skip
BY_CONTENT = ("JPEG", "PNG", "GIF", "JPEG 2000", "WebP", "AVIF")


def kind_of(content: bytes) -> str:
    """The kind of file that the first bytes indicate; empty if it is unknown."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WebP"
    if content[4:8] == b"ftyp":
        return "AVIF" if b"avif" in content[8:HEAD] else BRANDS.get(bytes(content[8:12]), "")
    for signatures in (READ, NOT_READ):
        for signature, kind in signatures.items():
            if content.startswith(signature):
                return kind
    return ""


def hidden(path: str) -> bool:
    """Whether a part of the path is hidden, or created by an operating system."""
    if path[0] != "." and "/." not in path and not any(name in path for name in LITTER):
        return False  # the usual case, a million times
    parts = PurePosixPath(path).parts
    return any(part in LITTER or (part[0] == "." and part != "..") for part in parts)


def ending(path: str) -> str:
    """`.jpg` of `a/B.JPG`; empty if there is none."""
    name = path.rpartition("/")[2]
    stem, dot, after = name.rpartition(".")
    return f".{after.lower()}" if dot and stem and after else ""
