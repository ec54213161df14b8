"""The stage `report`: the papers' tables, reported beside reproduced.

Four rooms, each importing only from those before it: `evidence` (what is there), `numbers` (what is
computed of it), then `figures` (what is drawn) and `text` (what is said). The modules of a section
of the page have its name in every room. `page.py` and `write.py` compose what is written.
"""
