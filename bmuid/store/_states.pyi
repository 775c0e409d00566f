from bmu.rating import BucketState

def states(
    octets: memoryview, codes: tuple[str, ...], sample: BucketState, /
) -> list[BucketState]: ...
