"""Start the sandbox: ``python -m tap_insightly.sandbox``, the same as ``insightly-sandbox``."""

from tap_insightly.sandbox.command import main

if __name__ == "__main__":
    main(prog_name="python -m tap_insightly.sandbox")
