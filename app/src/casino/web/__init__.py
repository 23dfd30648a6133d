"""The page at `/`: server-rendered, with one small script."""
