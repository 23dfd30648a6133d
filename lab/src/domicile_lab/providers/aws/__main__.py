"""`python -m domicile_lab.providers.aws`: what `pulumi-resource-aws` runs."""

from domicile_lab.providers.aws.provider import Aws
from domicile_lab.providers.servicer import serve

if __name__ == "__main__":
    serve(Aws())
