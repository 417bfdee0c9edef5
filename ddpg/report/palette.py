"""The colours and dashes of lines, in pictures and on the page."""

#: Okabe and Ito's colours, which colour-blind readers can tell apart, without the yellow, which is pale on paper.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
STYLES = ("-", "--", ":")
