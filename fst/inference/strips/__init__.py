"""One pass strip by strip, with the statistics of the whole picture, in bounded memory."""
