"""The undo file: what the target's writes have replaced, for ``insightly undo`` to put back."""
