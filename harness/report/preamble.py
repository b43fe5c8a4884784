"""The start of a document: packages, fonts and spacing, so that its tables and figures can be included."""

from __future__ import annotations

from harness.report.table import PACKAGES

PREAMBLE = (
    r"""\documentclass[10pt,a4paper]{article}
% The same bytes from the same numbers: no dates and no random names in the PDF.
\ifdefined\pdfinfoomitdate\pdfinfoomitdate=1 \pdftrailerid{}\pdfsuppressptexinfo=-1 \fi
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[margin=25mm]{geometry}
\usepackage{"""
    + ",".join(PACKAGES)
    + r"""}
\usepackage[font=small,labelfont=bf,skip=4pt]{caption}
\usepackage[hidelinks]{hyperref}
\IfFileExists{microtype.sty}{\usepackage{microtype}}{}
% Tables and figures stand where they are told of.
\usepackage{float}
\floatplacement{table}{H}\floatplacement{figure}{H}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}
\setlength{\emergencystretch}{3em}
"""
)
"""Everything before the beginning of the document; A4, and the same bytes from the same numbers."""
