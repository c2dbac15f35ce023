"""Review: people look where the manifest gives reason to doubt, and change what is hidden.

The manifest's detections and regions tell which copies to look at first, and where. What people
change is written as edits, which the next run follows. Other tools draw and move boxes, too:
regions go out in their formats, and come back as edits.
"""
