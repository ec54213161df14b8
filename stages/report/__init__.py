"""The stage `report`: the papers' tables, reported beside reproduced."""
