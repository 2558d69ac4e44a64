import { reference } from '@receptive/backend/reference';
import { conformance } from '@receptive/conformance';

// The oracle itself: its float32 against its float64, each default composition against the fused kernel, and its own behaviour.
conformance('reference', reference);
